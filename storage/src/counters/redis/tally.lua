-- Adds to a concert's tally unless its epoch is another one.
-- KEYS: the concert. ARGV: the epoch, seats that were sold, seats that were returned.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
    return 0
end
if ARGV[2] ~= '0' then
    redis.call('HINCRBY', KEYS[1], 'sold', ARGV[2])
end
if ARGV[3] ~= '0' then
    redis.call('HINCRBY', KEYS[1], 'returns', ARGV[3])
end
return 1
