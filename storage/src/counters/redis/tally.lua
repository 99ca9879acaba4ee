-- Adds to a concert's tally unless its epoch is another one; returns the tally, or nothing if there
-- is none.
-- KEYS: the concert. ARGV: the epoch, seats that were sold, seats that were returned.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
    return false
end
if epoch == ARGV[1] then
    if ARGV[2] ~= '0' then
        redis.call('HINCRBY', KEYS[1], 'sold', ARGV[2])
    end
    if ARGV[3] ~= '0' then
        redis.call('HINCRBY', KEYS[1], 'returns', ARGV[3])
    end
end
return redis.call('HMGET', KEYS[1], 'epoch', 'stock', 'sold', 'returns', 'capacity', 'width')
