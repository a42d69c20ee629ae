#!/usr/bin/env bash
# A dataset on machines that you reach by ssh and that share no disk: `bash ray.sh` starts a Ray cluster on them, renders,
# packs and verifies on the first of them, and stops the cluster. Run it again, as it is, to continue.
# With a cluster that runs already: RAY_ADDRESS=auto kinebench generate ... --runner ray, on one of its nodes.
set -euo pipefail

# ---- change these ----
HEAD=node0                       # its disk gets the dataset
NODES="node1 node2 node3"
PORT=6379
RECIPE=interactions              # a built-in recipe, or the path of a TOML file on HEAD
SPLIT=train
COUNT=10000
COMPANIONS=                      # such as depth,flow
OUT=/data/interactions           # a folder of HEAD
BIN=/opt/kinebench/bin           # a virtual environment with kinebench[render,ray], the same on every machine
# ----------------------

key=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')    # who does not know it cannot run code on the cluster
with="env RAY_AUTH_MODE=token RAY_AUTH_TOKEN=$key RAY_USAGE_STATS_ENABLED=0"

# This stops every Ray of yours on these machines.
stop() { for node in $NODES "$HEAD"; do ssh "$node" "$BIN/ray stop" >/dev/null 2>&1 || true; done; }
trap stop EXIT

ssh "$HEAD" "$with $BIN/ray start --head --port=$PORT --include-dashboard=false"
for node in $NODES; do ssh "$node" "$with $BIN/ray start --address=$HEAD:$PORT"; done

ssh "$HEAD" "$with RAY_ADDRESS=$HEAD:$PORT $BIN/kinebench generate $RECIPE --split $SPLIT --count $COUNT \
    --with '$COMPANIONS' --out $OUT --runner ray"
