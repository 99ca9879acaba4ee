-- Writes what nobody reads, as sales write; it is soon gone.
-- KEYS[1]: of nothing else
-- ARGV[1]: how long it is kept, in milliseconds
-- Answers 1.
redis.call('set', KEYS[1], '1', 'px', ARGV[1])
return 1
