package packaging

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const (
	modulePath  = "github.com/libacurast/libacurast"
	packagePath = modulePath + "/bindings/go"
	version     = "v0.1.0"
)

// root is the repository's.
var root = func() string {
	folder, err := filepath.Abs(filepath.Join("..", "..", "..", ".."))
	if err != nil {
		panic(err)
	}
	return folder
}()

// proxy is the folder of a module proxy that has the repository as a published module; made once. TestMain removes it.
var proxy = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "acurast-proxy-")
	if err != nil {
		return "", err
	}
	clean := filepath.Join(folder, "tree")
	if err := copyTracked(clean); err != nil {
		return folder, err
	}
	return folder, publish(clean, filepath.Join(folder, filepath.FromSlash(modulePath), "@v"))
})

// proxied is the proxy's folder for a test.
func proxied(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: it tells what a module of the repository holds")
	}
	folder, err := proxy()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// copyTracked copies what git tracks, as it is in the working tree: what a tag would publish.
func copyTracked(to string) error {
	list, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(list), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(root, name), filepath.Join(to, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}

// publish lays out what a proxy serves for one version.
func publish(tree, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Now().UTC()})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"list": []byte(version + "\n"), version + ".info": info} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	if err := copyFile(filepath.Join(tree, "go.mod"), filepath.Join(folder, version+".mod")); err != nil {
		return err
	}
	target, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		return err
	}
	defer target.Close()
	return zip.CreateFromDir(target, module.Version{Path: modulePath, Version: version}, tree)
}
