-- Writes a bucket of an epoch that nobody knows yet.
-- KEYS: the bucket, its returned seats. ARGV: next seat, end, life in milliseconds, returned seat, …
redis.call('HSET', KEYS[1], 'next', ARGV[1], 'end', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if #ARGV > 3 then
    redis.call('SADD', KEYS[2], unpack(ARGV, 4))
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 1
