"""A derivative in one direction of the loss of the network of torch_network.py, 100 times."""
from torch.autograd.functional import jvp

from torch_network import time_derivative

time_derivative(jvp)
