"""Commands about the page: open it, pair a browser, share a link."""
