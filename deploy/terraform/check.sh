#!/usr/bin/env bash
# What Terraform itself says: fmt everywhere; init, validate and test where its registry can be reached. Where it cannot,
# this says so and goes on; on GitHub, where it can, it fails.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

unchecked=0
not_checked() {
	echo "NOT CHECKED: $*" >&2
	unchecked=1
}

if ! command -v terraform >/dev/null; then
	not_checked "Terraform is not installed: neither formats nor modules"
else
	terraform fmt -check -diff -recursive . || { echo "run: terraform fmt -recursive deploy/terraform" >&2; exit 1; }
	for module in aws docker examples/*/; do
		# A scratch copy: nothing is left behind, and modules are found by the same relative paths.
		scratch=$(mktemp -d)
		cp -r . "$scratch"
		if ! terraform -chdir="$scratch/$module" init -backend=false -input=false >"$scratch/init.log" 2>&1; then
			if grep -qiE "could not connect|failed to query" "$scratch/init.log"; then
				not_checked "$module: its providers cannot be had here; neither validate nor test"
				rm -rf "$scratch"
				continue
			fi
			cat "$scratch/init.log" >&2
			exit 1
		fi
		terraform -chdir="$scratch/$module" validate -no-color || exit 1
		if [ -d "$scratch/$module/tests" ]; then
			terraform -chdir="$scratch/$module" test -no-color || exit 1
		fi
		rm -rf "$scratch"
	done
fi

if [ "$unchecked" = 1 ] && [ -n "${GITHUB_ACTIONS:-}" ]; then
	echo "on GitHub all of it has to be checked" >&2
	exit 1
fi
