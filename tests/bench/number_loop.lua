local function orbit(n)
  local x = 0.5
  for i = 1, n do x = 3.9*x*(1-x) end
  return x
end

local start = os.clock()
orbit(5000000)
print("seconds:", os.clock() - start)
