-- Makes an epoch the present one, if ARGV[1] is it until now (0: there is none).
-- KEYS: the concert. ARGV: that epoch, the new one, free seats, capacity, seats a bucket, life in
-- milliseconds.
if (redis.call('HGET', KEYS[1], 'epoch') or '0') ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'stock', ARGV[3], 'sold', 0, 'returns', 0,
    'capacity', ARGV[4], 'width', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
