// Command generate writes what follows from the core's list of sources: the files of package core that include them, and what lets
// `go mod vendor` keep the C folders. With -check it fails where that is not what is there.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

const (
	module  = "github.com/libacurast/libacurast/"
	written = "Written by internal/generate from core/sources.txt; not by hand."
)

func main() {
	check := flag.Bool("check", false, "fail where the files are not what they should be")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	sources, err := readSources(filepath.Join(root, "core", "sources.txt"))
	if err != nil {
		return err
	}
	files := wanted(sources)
	stale, err := existing(root, files)
	if err != nil {
		return err
	}
	if check {
		return compare(root, files, stale)
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// findRoot is the folder above the present one that has core/sources.txt.
func findRoot() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "core", "sources.txt")); missing == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("core/sources.txt is in no folder above this one")
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}

func readSources(file string) ([]string, error) {
	list, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var sources []string
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			sources = append(sources, line)
		}
	}
	return sources, lines.Err()
}

// wanted is every file by its path from the root.
func wanted(sources []string) map[string]string {
	files := map[string]string{}
	folders := []string{"core/include/acurast"}
	for _, source := range sources {
		name := strings.TrimSuffix(strings.ReplaceAll(source, "/", "_"), ".c")
		files["bindings/go/internal/core/core_"+name+".c"] =
			fmt.Sprintf("//go:build !acurast_system\n// %s\n#include \"../../../../core/src/%s\"\n", written, source)
		if folder := "core/src/" + path.Dir(source); folder != folders[len(folders)-1] && !contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	sort.Strings(folders)
	imports := ""
	for _, folder := range folders {
		files[folder+"/vendored.go"] = fmt.Sprintf("//go:build acurast_never\n\n"+
			"// Package %s is a folder of C. This file is here so that `go mod vendor` copies it.\n// %s\npackage %[1]s\n",
			path.Base(folder), written)
		imports += fmt.Sprintf("\t_ %q\n", module+folder)
	}
	files["bindings/go/internal/core/vendored.go"] = fmt.Sprintf("//go:build acurast_never\n\n"+
		"package core\n\n// The folders of C that `go mod vendor` has to copy. %s\nimport (\n%s)\n", written, imports)
	return files
}

func contains(list []string, wanted string) bool {
	for _, each := range list {
		if each == wanted {
			return true
		}
	}
	return false
}

// existing are the files that were written for sources which are no more.
func existing(root string, files map[string]string) ([]string, error) {
	var stale []string
	for _, pattern := range []string{"bindings/go/internal/core/core_*.c", "core/src/*/vendored.go"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, each := range found {
			name, err := filepath.Rel(root, each)
			if err != nil {
				return nil, err
			}
			if _, wanted := files[filepath.ToSlash(name)]; !wanted {
				stale = append(stale, name)
			}
		}
	}
	return stale, nil
}

func compare(root string, files map[string]string, stale []string) error {
	for name, content := range files {
		if there, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(there) != content {
			stale = append(stale, name)
		}
	}
	if len(stale) > 0 {
		return fmt.Errorf("not what core/sources.txt says, which `go generate ./bindings/go/...` mends: %s", strings.Join(stale, ", "))
	}
	return nil
}
