// pack writes programs as an OCI image layout, and beside it what they are made of (bom.go, notices.go) and how
// (provenance.go). The
// same input gives the same bytes: times are the commit's, owners are root, and order is that of names.
//
//	pack -output FOLDER -version V -commit C -epoch SECONDS [-source URL] -tools NAME=VERSION,… -metadata FILE -roots FILE -licence FILE -libc FILE ARCH=FOLDER...
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

const name = "empire-controller"

// build is what is packed, and of what it was made.
type build struct {
	output, version, commit, source, metadata, roots, licence, libc string
	created                                                         time.Time
	platforms                                                       []platform
	tools                                                           []tool
}

// platform has the program in its folder, and `artifacts.json`, the messages of cargo about what it was linked of.
type platform struct{ arch, folder string }

// program returns the path of the program.
func (p platform) program() string { return filepath.Join(p.folder, name) }

// artifact is one of cargo's messages: https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages.
type artifact struct {
	Reason    string
	PackageID string `json:"package_id"`
	Filenames []string
}

// artifacts returns what was compiled for the platform, in order; what ran while it was built is not for that platform.
func (p platform) artifacts() ([]artifact, error) {
	file, err := os.Open(filepath.Join(p.folder, "artifacts.json"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []artifact
	for decoder := json.NewDecoder(file); ; {
		var each artifact
		switch err := decoder.Decode(&each); err {
		case nil:
		case io.EOF:
			return all, nil
		default:
			return nil, err
		}
		// `--target` gives what is compiled for it a folder of its own.
		isTarget := func(path string) bool { return strings.Contains(path, "-unknown-linux-musl/") }
		if each.Reason == "compiler-artifact" && len(each.Filenames) > 0 && isTarget(each.Filenames[0]) {
			all = append(all, each)
		}
	}
}

// tool is a program that took part in the build, or a file that went into the image.
type tool struct{ name, version string }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run() error {
	b, err := arguments()
	if err != nil {
		return err
	}
	if err := os.Mkdir(b.output, 0o755); err != nil {
		return err
	}
	index, err := b.index()
	if err != nil {
		return err
	}
	if _, err := layout.Write(filepath.Join(b.output, "image"), index); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	for file, content := range map[string]func(v1.Hash) ([]byte, error){
		"NOTICES":         func(v1.Hash) ([]byte, error) { return b.notices() },
		"sbom.cdx.json":   b.bom,
		"provenance.json": b.provenance,
	} {
		content, err := content(digest)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(filepath.Join(b.output, file), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Println(digest)
	return nil
}

func arguments() (build, error) {
	var b build
	var epoch int64
	var tools string
	flag.StringVar(&b.output, "output", "", "folder of the result; must not exist")
	flag.StringVar(&b.version, "version", "", "version of the controller")
	flag.StringVar(&b.commit, "commit", "", "commit that was built")
	flag.Int64Var(&epoch, "epoch", 0, "time of that commit, in seconds since 1970")
	flag.StringVar(&b.source, "source", "", "URL of the repository")
	flag.StringVar(&tools, "tools", "", "what it was built with: NAME=VERSION,…")
	flag.StringVar(&b.metadata, "metadata", "", "what `cargo metadata` printed")
	flag.StringVar(&b.roots, "roots", "", "certificates of the authorities to trust, as PEM")
	flag.StringVar(&b.licence, "licence", "", "text of the licence")
	flag.StringVar(&b.libc, "libc", "", "text of the licence of the C library")
	flag.Parse()
	b.created = time.Unix(epoch, 0).UTC()
	for _, each := range strings.Split(tools, ",") {
		name, version, found := strings.Cut(each, "=")
		if !found {
			return b, fmt.Errorf("-tools: %q is not NAME=VERSION", each)
		}
		b.tools = append(b.tools, tool{name, version})
	}
	for _, argument := range flag.Args() {
		arch, folder, found := strings.Cut(argument, "=")
		if !found {
			return b, fmt.Errorf("%q is not ARCH=FOLDER", argument)
		}
		b.platforms = append(b.platforms, platform{arch, folder})
	}
	if len(b.platforms) == 0 {
		return b, fmt.Errorf("no ARCH=FOLDER is given")
	}
	return b, nil
}
