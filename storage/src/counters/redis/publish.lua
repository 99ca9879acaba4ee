-- Makes an epoch the present one, if ARGV[1] is it until now (0: there is none).
-- KEYS: the concert. ARGV: that epoch, the new one, free seats, capacity, seats a bucket, life in
-- milliseconds. A command that is sent again, as its answer was lost, finds its own epoch.
local present = redis.call('HGET', KEYS[1], 'epoch') or '0'
if present == ARGV[2] then
    return 1
end
if present ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'stock', ARGV[3], 'sold', 0, 'returns', 0,
    'capacity', ARGV[4], 'width', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
