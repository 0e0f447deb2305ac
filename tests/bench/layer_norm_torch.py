import time

import torch
from torch.nn.functional import layer_norm

x = torch.randn(4096, 64, requires_grad=True)
w = torch.rand(64, requires_grad=True)
b = torch.rand(64, requires_grad=True)


def step():
    x.grad = w.grad = b.grad = None
    layer_norm(x, (64,), w, b).sum().backward()


step()
start = time.perf_counter()
for i in range(50):
    step()
print("seconds:", (time.perf_counter() - start) / 50)
