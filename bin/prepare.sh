# shellcheck shell=bash
# Sourced by the commands in bin/: makes a .venv with what a lock file names, and says what it installs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv="$root/.venv"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# System packages by apt, where that is possible without asking; otherwise the sentence that helps.
install_system() {
    local packages=("$@")
    if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
        local sudo=()
        [ "$(id -u)" = 0 ] || sudo=(sudo -n)
        say "Installing with apt-get: ${packages[*]}"
        "${sudo[@]}" apt-get -qq update >&2
        DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get -qq install -y --no-install-recommends "${packages[@]}" >&2
    else
        die "Please install these first, with your package manager: ${packages[*]}"
    fi
}

find_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    die "Python 3.11 or newer is needed."
}

# prepare_venv LOCKFILE: does nothing when that was done already for exactly this lock file.
prepare_venv() {
    local lock="$root/$1" stamp="$venv/.prepared-$1" python wanted
    wanted=$(cat "$lock" "$root/pyproject.toml" | cksum)
    if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python=$(find_python)
    if [ ! -x "$venv/bin/python" ]; then
        say "Making a private Python environment in .venv ($("$python" --version))"
        if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
            rm -rf "$venv"
            install_system python3-venv
            "$python" -m venv "$venv" || die "A virtual environment could not be made in .venv."
        fi
    fi
    say "Installing $(grep -c '==' "$lock") Python packages from $1 into .venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$lock" >&2 ||
        die "Python packages could not be installed; see above."
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -e "$root" >&2 ||
        die "llm-groupchat could not be installed into .venv; see above."
    printf '%s' "$wanted" >"$stamp"
}

prepare_tmux() {
    command -v tmux >/dev/null || install_system tmux
}
