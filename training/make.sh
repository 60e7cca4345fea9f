#!/bin/sh
# From nothing to analytics/models/detector.onnx and its card: environment, pictures, training, measuring. What is done already is not done
# again, and a training that was stopped goes on. Takes about 10 GB of disk (PyTorch), 8 GB of memory and, on two cores, half a night.
#
#     training/make.sh [MINUTES]        minutes of training, 300 when not stated
set -eu
cd "$(dirname "$0")/.."
minutes=${1:-300}
data=training/data

if [ ! -x training/venv/bin/python ]; then
    python3 -m venv training/venv
fi
training/venv/bin/pip install --quiet -r training/requirements.txt

# A dataset whose annotations are there is complete; one that was cut off is made again.
make_pictures() {
    if [ ! -e "$data/$1/annotations.json" ]; then
        rm -rf "$data/$1"
        ./twin dataset --out "$data/$1" --count "$2" --per-room 1 --seed "$3"
    fi
}
make_pictures val 1000 900021
make_pictures train 24000 21

if [ ! -e "$data/trained" ]; then
    set -- --data "$data/train" --val "$data/val" --minutes "$minutes" --checkpoint "$data/checkpoint.pt"
    if [ -e "$data/checkpoint.pt" ]; then
        set -- "$@" --resume
    fi
    training/venv/bin/python training/train.py "$@"
    touch "$data/trained"
fi

./twin card --model analytics/models/detector.onnx --out analytics/models/detector.md --work "$data/card"
