"""The Hessian of Rosenbrock's function of 100 variables, 10 times."""
import time

import torch
from torch.autograd.functional import hessian


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


x = torch.linspace(-1, 1, 100)
hessian(rosenbrock, x)
start = time.perf_counter()
for _ in range(10):
    hessian(rosenbrock, x)
print(f"seconds: {time.perf_counter() - start:.6f}")
