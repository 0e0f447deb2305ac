"""What network_hvp_torch.py and network_jvp_torch.py differentiate: the loss of a network of 3 layers of width 256,
on 64 examples."""
import time

import torch

torch.manual_seed(1)


def layers():
    return tuple(p for _ in range(3) for p in (torch.randn(256, 256) / 16, torch.zeros(256)))


x, net, v = torch.randn(64, 256), layers(), layers()


def loss(W1, b1, W2, b2, W3, b3):
    return ((torch.tanh(torch.tanh(x @ W1 + b1) @ W2 + b2) @ W3 + b3) ** 2).mean()


def time_derivative(derivative):
    """Of 100 times derivative(loss, net, v), after a few to warm up."""
    for _ in range(5):
        derivative(loss, net, v)
    start = time.perf_counter()
    for _ in range(100):
        derivative(loss, net, v)
    print(f"seconds: {time.perf_counter() - start:.6f}")
