"""The messages and errors of Skynet on the wire. Pure: values in, values out."""
