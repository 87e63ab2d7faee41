#!/bin/bash
# Turns a fresh Ubuntu server into The Littlest JupyterHub for the workshop. Run it as root on a machine that serves
# nothing else, or paste it into a cloud's field "user data" with the three settings filled in. Never on a laptop: it
# takes ports 80 and 443 and makes accounts.
set -euo pipefail

# ADMIN: your user name on the hub. You choose the password when you first log in, so do that at once.
# REPOSITORY: the address of this project's repository, or of your copy, as `git clone` takes it.
# TORCH_INDEX: what PyTorch's installation page shows after --index-url for Stable, Linux, Pip, Python, CPU;
#              leave it empty on a machine with an NVIDIA card.
ADMIN="${ADMIN:-}"
REPOSITORY="${REPOSITORY:-}"
TORCH_INDEX="${TORCH_INDEX:-}"

if [ -z "$ADMIN" ] || [ -z "$REPOSITORY" ]; then
  echo "Set ADMIN and REPOSITORY first: ADMIN=me REPOSITORY=https://… $0" >&2
  exit 1
fi

apt-get update
apt-get install --yes python3 python3-dev curl git g++

project=/srv/workshop
[ -d "$project" ] || git clone --depth 1 "$REPOSITORY" "$project"

# The configuration comes first: the installer adds the administrator to it. One that is there already stays.
config=/opt/tljh/config
mkdir -p "$config/jupyterhub_config.d"
[ -e "$config/config.yaml" ] || cp "$project/hub/tljh/config.yaml" "$config/config.yaml"
cp "$project/hub/tljh/jupyterhub_config.d/workshop.py" "$config/jupyterhub_config.d/"

curl --fail --location https://tljh.jupyter.org/bootstrap.py | python3 - --version 2.0.0 --admin "$ADMIN"

# The Littlest JupyterHub has brought jupyterhub, nbgitpuller and a JupyterLab that fits them: those stay as they are.
pip=/opt/tljh/user/bin/pip
sed -e '/^# --- build the book ---$/,$d' -e '/^jupyterlab\b/d' "$project/requirements.txt" > /tmp/notebooks.txt
if [ -n "$TORCH_INDEX" ]; then
  "$pip" install torch torchvision --constraint "$project/constraints.txt" --index-url "$TORCH_INDEX"
fi
"$pip" install --requirement /tmp/notebooks.txt --constraint "$project/constraints.txt"

tljh-config reload
