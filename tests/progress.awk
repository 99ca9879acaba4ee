# Shows how far a run of tests is. On a terminal: one line that changes, and what failed. Elsewhere:
# every line as it comes. Ends with the sum of all binaries.
function show(line) {
    if (terminal) printf "\r\033[K%s", line
}
/^test .* \.\.\. / {
    done++
    failed += / \.\.\. FAILED/
    if (terminal && !/ \.\.\. FAILED/) {
        show(sprintf("%d of %d, %d failed: %s", done, total, failed, $2))
        fflush()
        next
    }
}
/^test result: / { passed += $4; lost += $6 }
# Cargo's own lines and the harness's are for those who read a log.
terminal && (/^running / || /^test result: ok/ || /^ +Running / || /^$/) { next }
{
    show("")
    print
    fflush()
}
END {
    show("")
    printf "\n%d passed, %d failed\n", passed, lost
}
