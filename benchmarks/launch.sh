# Runs a module of benchmarks/ with the project's own Python: launch MODULE ARGUMENTS...
launch() {
    local root python
    root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
    python="$root/.venv/bin/python"
    if [ ! -x "$python" ]; then
        echo "There is no $python yet. bin/run-tests prepares it." >&2
        exit 2
    fi
    cd "$root"
    PYTHONPATH="$root" exec "$python" -P -m "benchmarks.$1" "${@:2}"
}
