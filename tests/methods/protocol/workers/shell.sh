# A worker in another language: job.json has one thing a line, in a known order.
job=$2
value() { sed -n "s/^ *\"$1\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$job/job.json"; }
value out | while read -r out; do
    number=$((number + 1))
    mkdir -p "$job/$out"
    : > "$job/$out/started"
    input=$(value in | sed -n "${number}p")
    for frame in 00000 00001 00002; do
        cp "$job/$input/first_frame.png" "$job/$out/$frame.png"
    done
    cat > "$job/$out/half" <<END
{"frames": 3, "timing": {"fps": 4}, "facts": {"shell": true},
 "condition_sha256": "$(value condition_sha256 | sed -n "${number}p")",
 "identity": "$(value identity | sed -n "${number}p")"}
END
    mv "$job/$out/half" "$job/$out/video.json"
done
