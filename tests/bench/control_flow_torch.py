import time

import torch

torch.set_num_threads(1)


def f(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    c = b if b.sum() > 0 else 100 * b
    return c


a = torch.tensor([0.7], requires_grad=True)
start = time.perf_counter()
for i in range(10000):
    f(a).backward()
print("seconds:", time.perf_counter() - start)
