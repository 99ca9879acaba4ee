-- Takes up to ARGV[1] seats of a bucket: those after its counter first, then returned ones.
-- KEYS: the bucket, its returned seats.
-- Answers nothing if there is no such bucket; else {seats left, first, seats after the counter from
-- there, returned seat, returned seat, …}. Asking for 0 seats only counts.
local bucket = redis.call('HMGET', KEYS[1], 'next', 'end')
if not bucket[1] then
    return false
end
local first, past = tonumber(bucket[1]), tonumber(bucket[2])
local wanted = tonumber(ARGV[1])
local fresh = math.min(wanted, past - first)
if fresh > 0 then
    redis.call('HSET', KEYS[1], 'next', first + fresh)
end
local answer = {past - first - fresh, first, fresh}
if wanted > fresh then
    for _, seat in ipairs(redis.call('SPOP', KEYS[2], wanted - fresh)) do
        answer[#answer + 1] = tonumber(seat)
    end
end
answer[1] = answer[1] + redis.call('SCARD', KEYS[2])
return answer
