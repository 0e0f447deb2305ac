import time


def orbit(n):
    x = 0.5
    for i in range(n):
        x = 3.9*x*(1-x)
    return x


start = time.perf_counter()
orbit(5000000)
print("seconds:", time.perf_counter() - start)
