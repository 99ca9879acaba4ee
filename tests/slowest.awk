# The slowest tests of a run, each with its reason: a line "NAME: REASON" of the first file whose NAME
# is the beginning of the test's.
FNR == NR {
    if (/^#/ || !/: /) next
    at = index($0, ": ")
    reasons[substr($0, 1, at - 1)] = substr($0, at + 2)
    next
}
/^test .* \.\.\. .* <[0-9.]+s>/ {
    seconds = $0
    sub(/.*</, "", seconds)
    sub(/s>.*/, "", seconds)
    names[++count] = $2
    times[count] = seconds + 0
}
END {
    for (shown = 0; shown < 30 && shown < count; shown++) {
        best = 0
        for (i = 1; i <= count; i++) if (!(i in used) && (best == 0 || times[i] > times[best])) best = i
        used[best] = 1
        reason = times[best] < 5 ? "" : "no reason is given in tests/slow.txt"
        longest = 0
        for (name in reasons)
            if (index(names[best], name) == 1 && length(name) > longest) {
                longest = length(name)
                reason = reasons[name]
            }
        printf "%7.1f s  %s\n", times[best], names[best]
        if (reason != "") printf "           %s\n", reason
    }
}
