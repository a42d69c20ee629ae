#!/usr/bin/env bash
# A dataset on a Slurm cluster: `bash slurm.sh` submits an array of workers, then a job that packs and verifies.
# Run it again, as it is, to continue after a time limit, or with a larger COUNT to add clips.
set -euo pipefail

# ---- change these ----
RECIPE=interactions              # a built-in recipe, or the path of a TOML file that all nodes see
SPLIT=train
COUNT=10000
COMPANIONS=                      # such as depth,flow
OUT=/shared/data/interactions    # a folder that all nodes see
TASKS=50                         # workers
CORES=16                         # cores of each
HOURS=12                         # `kinebench plan` says how many core-hours it takes
KINEBENCH=kinebench              # or the path in a virtual environment, such as /shared/venv/bin/kinebench
# ----------------------

mkdir -p "$OUT" "$OUT-logs"
generate="$KINEBENCH generate $RECIPE --split $SPLIT --count $COUNT --with '$COMPANIONS' --out $OUT"

# --requeue: a job that loses its node starts again. TERM a minute before the end: the clips in work are given up
# cleanly; finished ones are safe in any case.
array=$(sbatch --parsable --job-name=kinebench --array="0-$((TASKS - 1))" --nodes=1 --ntasks=1 \
    --cpus-per-task="$CORES" --mem-per-cpu=1G --time="$HOURS:00:00" --requeue --signal=TERM@60 \
    --output="$OUT-logs/%A_%a.log" \
    --wrap="srun --cpus-per-task=$CORES $generate --worker \$SLURM_ARRAY_TASK_ID --of $TASKS --workers $CORES")

sbatch --parsable --job-name=kinebench-pack --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes \
    --cpus-per-task=1 --mem=4G --time=4:00:00 --output="$OUT-logs/pack-%j.log" \
    --wrap="srun $KINEBENCH pack $OUT && srun $KINEBENCH verify $OUT"
