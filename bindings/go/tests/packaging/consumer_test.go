// Package packaging tests what `go get` will do once the module is published: from a module proxy that is made of the repository
// itself, in a module outside the tree.
package packaging

import (
	archive "archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if folder, _ := proxy(); folder != "" {
		os.RemoveAll(folder)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// maxZip is how large the module may be: everybody who takes it downloads that.
const maxZip = 4 << 20

func TestTheZipIsSmallAndComplete(t *testing.T) {
	file := filepath.Join(proxied(t), filepath.FromSlash(modulePath), "@v", version+".zip")
	packed, err := archive.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	size := fileSize(t, file)
	t.Logf("the module's zip: %d files, %d KiB", len(packed.File), size>>10)
	if size > maxZip {
		t.Errorf("the module's zip has %d bytes", size)
	}
	names := map[string]bool{}
	for _, each := range packed.File {
		name := strings.TrimPrefix(each.Name, modulePath+"@"+version+"/")
		names[name] = true
		for _, never := range []string{"node_modules/", "build/", "bindings/go/tests/", ".git/", "__pycache__/"} {
			if strings.HasPrefix(name, never) || strings.Contains(name, "/"+never) {
				t.Errorf("%s is in the zip", name)
			}
		}
	}
	for _, name := range append(sources(t), "LICENSE", "go.mod", "core/include/acurast/acurast.h") {
		if !names[name] {
			t.Errorf("%s is not in the zip", name)
		}
	}
}

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// sources are the core's.
func sources(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, line := range strings.Split(read(t, filepath.Join(root, "core", "sources.txt")), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			names = append(names, "core/src/"+line)
		}
	}
	return names
}

// consumer is a module outside the tree.
type consumer struct {
	folder      string
	environment []string
}

// newConsumer has some files, and has got the package from the proxy.
func newConsumer(t *testing.T, files map[string]string) consumer {
	t.Helper()
	folder := t.TempDir()
	cached := strings.TrimSpace(output(t, exec.Command("go", "env", "GOMODCACHE")))
	ordinary := strings.TrimSpace(output(t, exec.Command("go", "env", "GOPROXY")))
	c := consumer{folder: filepath.Join(folder, "consumer"), environment: append(os.Environ(),
		// What the module requires for its own tests is taken from where this test's build has put it, if it can.
		"GOPROXY=file://"+proxied(t)+",file://"+filepath.Join(cached, "cache", "download")+","+ordinary,
		"GOSUMDB=off", "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw",
		// One folder for all: what one of them has compiled serves the others. With other CGO_CFLAGS than this test's build they would
		// compile the packages of Go that use C anew, and all that use these.
		"GOMODCACHE="+filepath.Join(proxied(t), "modules"))}
	for name, text := range files {
		write(t, filepath.Join(c.folder, name), text)
	}
	c.do(t, "go", "mod", "init", "example.org/consumer")
	c.do(t, "go", "get", packagePath+"@"+version)
	return c
}

// write makes the file's folder as well.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// program is one that exchanges a message with itself.
func program(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"main.go": read(t, filepath.Join("testdata", "consumer", "main.go"))}
}

// with has more in its environment.
func (c consumer) with(variables ...string) consumer {
	return consumer{c.folder, append(append([]string{}, c.environment...), variables...)}
}

func (c consumer) command(words ...string) *exec.Cmd {
	command := exec.Command(words[0], words[1:]...)
	command.Dir, command.Env = c.folder, c.environment
	return command
}

func (c consumer) do(t *testing.T, words ...string) string {
	t.Helper()
	return output(t, c.command(words...))
}

// refused is what a command says that has to fail.
func (c consumer) refused(t *testing.T, words ...string) string {
	t.Helper()
	said, err := c.command(words...).CombinedOutput()
	if err == nil {
		t.Fatalf("%v did not fail: %s", words, said)
	}
	return string(said)
}

// exchanges runs the program of the consumer.
func (c consumer) exchanges(t *testing.T) {
	t.Helper()
	if said := c.do(t, "./consumer"); said != "there and back\n" {
		t.Errorf("it said %q", said)
	}
}

func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	var errors bytes.Buffer
	command.Stderr = &errors
	said, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", command.Args, err, said, errors.String())
	}
	return string(said)
}

// compiling is for one of them, the others take what it has compiled.
var compiling sync.Mutex

func (c consumer) compiles(t *testing.T, words ...string) {
	t.Helper()
	compiling.Lock()
	defer compiling.Unlock()
	c.do(t, append([]string{"go"}, words...)...)
}

func TestGoGetBuildAndVendor(t *testing.T) {
	t.Parallel() // the core is compiled twice, one file after the other
	c := newConsumer(t, program(t))
	c.compiles(t, "build", ".")
	c.exchanges(t)

	if err := os.Remove(filepath.Join(c.folder, "consumer")); err != nil {
		t.Fatal(err)
	}
	c.do(t, "go", "mod", "vendor")
	c.with("GOFLAGS=-mod=vendor", "GOPROXY=off", "GOMODCACHE="+t.TempDir()).do(t, "go", "build", ".")
	c.exchanges(t)
}

func TestWithoutCgoTheCompilerSaysWhatToDo(t *testing.T) {
	said := newConsumer(t, program(t)).with("CGO_ENABLED=0").refused(t, "go", "build", ".")
	if !strings.Contains(said, "set_CGO_ENABLED_1_and_install_a_C_compiler") {
		t.Error(said)
	}
}
