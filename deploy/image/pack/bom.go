package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// graph is the part of `cargo metadata` that says what packages are, and which need which:
// https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format.
type graph struct {
	Packages []crate
	Resolve  struct {
		Root  string
		Nodes []struct {
			ID   string
			Deps []struct {
				Pkg      string
				DepKinds []struct{ Kind *string } `json:"dep_kinds"`
			}
		}
	}
}

type crate struct {
	ID, Name, Version, License string
	ManifestPath               string `json:"manifest_path"`
}

// linked returns the crates that cargo says it compiled for the program, on any platform: the lock file also has what other
// systems, other features and tests need.
func (b build) linked() (graph, []crate, error) {
	content, err := os.ReadFile(b.metadata)
	if err != nil {
		return graph{}, nil, err
	}
	var graph graph
	if err := json.Unmarshal(content, &graph); err != nil {
		return graph, nil, err
	}
	compiled := map[string]bool{}
	for _, platform := range b.platforms {
		artifacts, err := platform.artifacts()
		if err != nil {
			return graph, nil, err
		}
		for _, artifact := range artifacts {
			compiled[artifact.PackageID] = true
		}
	}
	if !compiled[graph.Resolve.Root] {
		return graph, nil, fmt.Errorf("cargo's messages do not tell of the program")
	}
	crates := []crate{}
	for _, each := range graph.Packages {
		if compiled[each.ID] {
			crates = append(crates, each)
		}
	}
	if len(crates) != len(compiled) {
		return graph, nil, fmt.Errorf("cargo compiled %d packages, and knows %d of them", len(compiled), len(crates))
	}
	return graph, crates, nil
}

// needs returns what each package is linked with: what only runs while it is built or tested is of another kind.
func (g graph) needs() map[string][]string {
	needs := map[string][]string{}
	for _, node := range g.Resolve.Nodes {
		for _, dependency := range node.Deps {
			for _, kind := range dependency.DepKinds {
				if kind.Kind == nil {
					needs[node.ID] = append(needs[node.ID], dependency.Pkg)
					break
				}
			}
		}
	}
	return needs
}

// bom lists what is in the image. Two crates of one name and version would be two sources of it, which deny.toml forbids.
func (b build) bom(digest v1.Hash) ([]byte, error) {
	graph, crates, err := b.linked()
	if err != nil {
		return nil, err
	}
	references := map[string]string{}
	components := []cyclonedx.Component{}
	bom := cyclonedx.NewBOM()
	bom.SerialNumber = serialNumber(digest)
	bom.Metadata = &cyclonedx.Metadata{Timestamp: b.created.Format("2006-01-02T15:04:05Z")}
	for _, each := range crates {
		component := library("cargo", each.Name, each.Version)
		references[each.ID] = component.BOMRef
		if each.License != "" {
			// Old crates write MIT/Apache-2.0.
			expression := strings.ReplaceAll(each.License, "/", " OR ")
			component.Licenses = &cyclonedx.Licenses{{Expression: expression}}
		}
		if each.ID == graph.Resolve.Root {
			component.Type = cyclonedx.ComponentTypeApplication
			bom.Metadata.Component = &component
		} else {
			components = append(components, component)
		}
	}
	// What no crate is: the standard library, zig's libc and the authorities.
	for _, tool := range b.tools {
		switch tool.name {
		case "rust":
			components = append(components, library("generic", "rust", tool.version))
		case "ziglang", "certifi":
			components = append(components, library("pypi", tool.name, tool.version))
		}
	}
	sort.Slice(components, func(i, j int) bool { return components[i].BOMRef < components[j].BOMRef })
	dependencies := []cyclonedx.Dependency{}
	needs := graph.needs()
	for id, reference := range references {
		on := []string{}
		for _, needed := range needs[id] {
			if reference, linked := references[needed]; linked {
				on = append(on, reference)
			}
		}
		sort.Strings(on)
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: reference, Dependencies: &on})
	}
	sort.Slice(dependencies, func(i, j int) bool { return dependencies[i].Ref < dependencies[j].Ref })
	bom.Components, bom.Dependencies = &components, &dependencies

	var written bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&written, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.Encode(bom); err != nil {
		return nil, err
	}
	return written.Bytes(), nil
}

func library(kind, name, version string) cyclonedx.Component {
	purl := "pkg:" + kind + "/" + name + "@" + version
	return cyclonedx.Component{
		BOMRef: purl, PackageURL: purl, Type: cyclonedx.ComponentTypeLibrary, Name: name, Version: version,
	}
}

// serialNumber is a UUID (version 8, RFC 9562) of the image: the same for the same image, and for no other.
func serialNumber(digest v1.Hash) string {
	id := sha256.Sum256([]byte(digest.String()))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
