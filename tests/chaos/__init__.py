"""The truth under faults: what senders were told, compared with what receivers got. README.md has the rules."""
