-- Puts the seats ARGV back. KEYS: the bucket, its returned seats.
-- A bucket that is gone belonged to an older epoch. Doing it twice is doing it once.
local life = redis.call('PTTL', KEYS[1])
if life < 0 then
    return 0
end
redis.call('SADD', KEYS[2], unpack(ARGV))
redis.call('PEXPIRE', KEYS[2], life)
return 1
