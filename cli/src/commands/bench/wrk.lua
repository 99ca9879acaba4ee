-- Posts the bodies that the lines of a file hold, in turn. The script's arguments: the file's name
-- and, if the requests shall have idempotency keys, what the keys begin with.
local heads, tails, sent, keys = {}, {}, 0, nil

function init(args)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    keys = args[2]
    wrk.headers["Idempotency-Key"] = keys
    for body in io.lines(args[1]) do
        local request = wrk.format(nil, nil, nil, body)
        local cut = #request
        if keys then
            -- Headers come first, so this one is met before the body.
            cut = select(2, string.find(request, keys, 1, true))
        end
        heads[#heads + 1] = string.sub(request, 1, cut)
        tails[#tails + 1] = string.sub(request, cut + 1)
    end
end

function request()
    sent = sent + 1
    local at = sent % #heads + 1
    if keys then
        return heads[at] .. "-" .. sent .. tails[at]
    end
    return heads[at]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"duration_us":%d,"refused":%d,"broken":%d,"p50_us":%.0f,"p99_us":%.0f}\n',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
