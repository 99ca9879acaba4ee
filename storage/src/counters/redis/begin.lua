-- Opens an epoch, if ARGV[1] is the present one (0: there is none).
-- KEYS: the concert, its last epoch. ARGV: the epoch, how long to remember, in milliseconds.
-- Answers the new epoch, or nothing. An epoch is a time in microseconds, so that it is a new one
-- even after everything was lost.
local present = redis.call('HGET', KEYS[1], 'epoch') or '0'
if present ~= ARGV[1] then
    return false
end
local time = redis.call('TIME')
local epoch = math.max(
    time[1] * 1000000 + time[2],
    tonumber(present) + 1,
    tonumber(redis.call('GET', KEYS[2]) or '0') + 1
)
-- Whole numbers of that size do not survive Lua's own way to print them.
local text = string.format('%.0f', epoch)
redis.call('SET', KEYS[2], text, 'PX', ARGV[2])
return text
