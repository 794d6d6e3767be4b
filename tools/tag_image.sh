#!/usr/bin/env bash
# tools/tag_image.sh IMAGE VERSION DIGEST…: one index over the images of every platform, under the tags of a version.
# A digest is a path whose last part is the hash. Prints digest=sha256:… of the index.
#
# 1.2.3 is also 1.2 and latest; a version before a release (1.3.0rc1) has only its own tag.
set -euo pipefail

image=$1 version=$2
shift 2

tags=(--tag "$image:$version")
if [[ $version =~ ^([0-9]+\.[0-9]+)\.[0-9]+$ ]]; then
	tags+=(--tag "$image:${BASH_REMATCH[1]}" --tag "$image:latest")
fi
images=()
for digest in "$@"; do
	images+=("$image@sha256:${digest##*/}")
done
docker buildx imagetools create "${tags[@]}" "${images[@]}" >&2
digest=$(docker buildx imagetools inspect "$image:$version" --format '{{json .Manifest}}' |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["digest"])')
echo "digest=$digest"
