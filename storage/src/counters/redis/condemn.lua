-- Forgets a concert whose counters are incomplete, if ARGV[1] is still its epoch. KEYS: the concert.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
    return 0
end
return redis.call('DEL', KEYS[1])
