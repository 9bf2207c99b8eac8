package acurast_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run runs the go command, and skips the test where there is none or this is no checkout.
func run(t *testing.T, environment string, arguments ...string) (string, error) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", "core", "sources.txt")); err != nil {
		t.Skipf("this is no checkout: %v", err)
	}
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("no go command: %v", err)
	}
	command := exec.Command(path, arguments...)
	command.Env = append(os.Environ(), environment)
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	for _, generator := range []string{"./internal/generate", "./internal/tables"} {
		if out, err := run(t, "CGO_ENABLED=1", "run", "-buildvcs=false", generator, "-check"); err != nil {
			t.Errorf("%s: %v\n%s", generator, err, out)
		}
	}
}

func TestStaleTablesAreFound(t *testing.T) {
	folder := t.TempDir()
	check(t, os.WriteFile(filepath.Join(folder, "errors_table.go"), []byte("package acurast\n"), 0o600))
	out, err := run(t, "CGO_ENABLED=1", "run", "-buildvcs=false", "./internal/tables", "-check", "-into", folder)
	if err == nil || !strings.Contains(out, "go generate") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestWithoutCgoTheCompilerSaysWhy(t *testing.T) {
	out, err := run(t, "CGO_ENABLED=0", "build", "-buildvcs=false", ".")
	if err == nil {
		t.Fatal("it builds")
	}
	if !strings.Contains(out, "needs_cgo") || !strings.Contains(out, "CGO_ENABLED_1") {
		t.Fatal(out)
	}
}
