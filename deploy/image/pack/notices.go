package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// notice is the name of a file that must go with the program.
var notice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice)`)

// notices returns the licences of what is linked, as their authors wrote them, which they ask to go with every copy; each
// text once, below the names of all that have it.
func (b build) notices() ([]byte, error) {
	_, crates, err := b.linked()
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	var names []string
	for _, each := range crates {
		name := fmt.Sprintf("%s %s (%s)", each.Name, each.Version, each.License)
		names = append(names, name)
		folders[name] = filepath.Dir(each.ManifestPath)
	}
	sort.Strings(names)
	with := map[string][]string{}
	var texts []string
	for _, name := range names {
		files, err := os.ReadDir(folders[name])
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if file.IsDir() || !notice.MatchString(file.Name()) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(folders[name], file.Name()))
			if err != nil {
				return nil, err
			}
			text := strings.TrimSpace(string(content))
			if _, known := with[text]; !known {
				texts = append(texts, text)
			}
			with[text] = append(with[text], name)
		}
	}
	libc, err := os.ReadFile(b.libc)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(libc))
	texts, with[text] = append(texts, text), []string{"musl"}

	var written bytes.Buffer
	written.WriteString("empire-controller is linked with these crates, under the licences in parentheses:\n\n")
	for _, name := range names {
		fmt.Fprintln(&written, name)
	}
	written.WriteString("\nand with the standard library of Rust (MIT OR Apache-2.0) and with musl (MIT). Their texts follow, but for Apache-2.0's, which is in LICENSE.\n")
	for _, text := range texts {
		fmt.Fprintf(&written, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(with[text], "\n"), text)
	}
	return written.Bytes(), nil
}
