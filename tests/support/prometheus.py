"""Reads the Prometheus text format strictly: what is malformed is an error."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)(?: \d+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Metrics:
    def __init__(self, text):
        assert text.endswith("\n"), "the last line must end"
        self.types, self.helps, self.samples = {}, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert kind in ("counter", "gauge", "histogram", "summary", "untyped"), line
                assert name not in self.types, f"{name} has two types"
                self.types[name] = kind
            elif line.startswith("# HELP "):
                _, _, name, words = line.split(" ", 3)
                self.helps[name] = words
            elif line and not line.startswith("#"):
                self._sample(line)

    def _sample(self, line):
        match = SAMPLE.match(line)
        assert match, f"not a sample: {line!r}"
        name, inside, value = match.groups()
        labels = LABEL.findall(inside or "")
        assert "".join(f'{key}="{text}",' for key, text in labels).rstrip(",") == (inside or "").rstrip(","), line
        key = (name, tuple(sorted(labels)))
        assert key not in self.samples, f"twice: {line}"
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in self.types or base in self.types, f"{name} has no type"
        self.samples[key] = float(value)

    def value(self, name, **labels):
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def sum(self, name, **labels):
        """All samples of `name` that have these labels."""
        wanted = set(labels.items())
        return sum(value for (sample, given), value in self.samples.items() if sample == name and wanted <= set(given))

    def labels(self, name, label):
        return {dict(given)[label] for (sample, given) in self.samples if sample == name and label in dict(given)}
