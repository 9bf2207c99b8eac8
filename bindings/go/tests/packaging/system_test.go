package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installed is a prefix with the libacurast of a CMake build, and the folder of its libraries.
func installed(t *testing.T) (prefix, libraries string) {
	t.Helper()
	build := os.Getenv("ACURAST_BUILD")
	if build == "" {
		build = filepath.Join(root, "build")
	}
	if _, err := os.Stat(filepath.Join(build, "cmake_install.cmake")); err != nil {
		t.Skip("there is no CMake build to install libacurast from: ACURAST_BUILD names its folder")
	}
	prefix = t.TempDir()
	output(t, exec.Command("cmake", "--install", build, "--prefix", prefix))
	for _, pattern := range []string{"lib*/libacurast.so", "lib*/*/libacurast.so"} {
		if found, _ := filepath.Glob(filepath.Join(prefix, pattern)); len(found) == 1 {
			return prefix, filepath.Dir(found[0])
		}
	}
	t.Fatal("no library was installed")
	return "", ""
}

// onSystem is a consumer that links the installed library.
func onSystem(t *testing.T, libraries string) consumer {
	t.Helper()
	return newConsumer(t, program(t)).with("GOFLAGS=-mod=mod -modcacherw -tags=acurast_system",
		"GOMODCACHE="+t.TempDir(), // of its own: Go does not see that the installed headers are others
		"PKG_CONFIG_PATH="+filepath.Join(libraries, "pkgconfig"), "LD_LIBRARY_PATH="+libraries)
}

func TestTheInstalledLibraryIsLinked(t *testing.T) {
	t.Parallel()
	_, libraries := installed(t)
	c := onSystem(t, libraries)
	c.do(t, "go", "build", ".")
	c.exchanges(t)
	if said := c.do(t, "ldd", "consumer"); !strings.Contains(said, filepath.Join(libraries, "libacurast.so.0")) {
		t.Errorf("it does not use the installed library:\n%s", said)
	}
	anotherVersionRuns(t, c)
}

// anotherVersionRuns: before the installed library comes one that says that it is newer.
func anotherVersionRuns(t *testing.T, c consumer) {
	source, library := filepath.Join(c.folder, "newer.c.txt"), filepath.Join(c.folder, "newer.so")
	code := "int acurast_version_number(void) { return 200; }\nconst char *acurast_version(void) { return \"0.2.0\"; }\n"
	write(t, source, code)
	c.do(t, "cc", "-shared", "-fPIC", "-o", library, "-x", "c", source)
	said := c.with("LD_PRELOAD="+library).refused(t, "./consumer")
	if !strings.Contains(said, "compiled for libacurast 0.1.0, but 0.2.0 is loaded") {
		t.Error(said)
	}
}

func TestHeadersOfAnotherVersionAreRefused(t *testing.T) {
	t.Parallel()
	prefix, libraries := installed(t)
	header := filepath.Join(prefix, "include", "acurast", "version.h")
	text := read(t, header)
	newer := strings.Replace(text, "ACURAST_VERSION_MINOR 1", "ACURAST_VERSION_MINOR 2", 1)
	if newer == text {
		t.Fatal("the header's version is not where it was")
	}
	write(t, header, newer)
	said := onSystem(t, libraries).refused(t, "go", "build", ".")
	if !strings.Contains(said, "this binding is for version 0.1 of libacurast") {
		t.Error(said)
	}
}
