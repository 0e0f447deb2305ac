"""The Hessian times a vector for the loss of the network of torch_network.py, 100 times."""
from torch.autograd.functional import hvp

from torch_network import time_derivative

time_derivative(hvp)
