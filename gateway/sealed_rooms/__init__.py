"""What the gateway checks of keys, sealed rooms and sealed messages. It must not know how anything is sealed: it can
open none of it, and decides by form, size, names and versions alone."""
