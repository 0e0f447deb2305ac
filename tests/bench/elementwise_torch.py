import time

import torch

x = torch.randn(10000000, requires_grad=True)


def step():
    x.grad = None
    (torch.sigmoid(x)*torch.tanh(x) + torch.exp(-x*x)).sum().backward()


step()
start = time.perf_counter()
for i in range(3):
    step()
print("seconds:", (time.perf_counter() - start) / 3)
