package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// index is one image for each platform.
func (b build) index() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range b.platforms {
		image, err := b.image(platform)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: platform.arch}},
		})
	}
	return mutate.Annotations(index, b.labels()).(v1.ImageIndex), nil
}

// labels are those of https://github.com/opencontainers/image-spec/blob/main/annotations.md. Registries show the index's, and
// what reads an image's configuration finds them there.
func (b build) labels() map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":       name,
		"org.opencontainers.image.description": "Runs apps described as an extended Procfile on Amazon ECS, from a Kubernetes custom resource",
		"org.opencontainers.image.version":     b.version,
		"org.opencontainers.image.revision":    b.commit,
		"org.opencontainers.image.created":     b.created.Format("2006-01-02T15:04:05Z"),
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
	if b.source != "" {
		labels["org.opencontainers.image.source"] = b.source
	}
	return labels
}

func (b build) image(platform platform) (v1.Image, error) {
	content, err := b.layer(platform.program())
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: b.created}, CreatedBy: "deploy/image/build"},
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", platform.arch
	config.Created = v1.Time{Time: b.created}
	config.Config = v1.Config{
		User:       "65532:65532",
		WorkingDir: "/",
		Entrypoint: []string{"/" + name},
		Cmd:        []string{"run"},
		Labels:     b.labels(),
	}
	return mutate.ConfigFile(image, config)
}

// layer is the whole file system: the program is static, and asks for nothing but authorities to trust.
func (b build) layer(program string) ([]byte, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	entry := func(path string, mode int64, content []byte) error {
		header := tar.Header{Typeflag: tar.TypeDir, Name: path, Mode: mode, ModTime: b.created}
		if content != nil {
			header.Typeflag, header.Size = tar.TypeReg, int64(len(content))
		}
		if err := archive.WriteHeader(&header); err != nil {
			return err
		}
		_, err := archive.Write(content)
		return err
	}
	files := map[string][]byte{}
	for _, path := range []string{program, b.roots, b.licence} {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[path] = content
	}
	notices, err := b.notices()
	if err != nil {
		return nil, err
	}
	for _, err := range []error{
		entry("LICENSE", 0o644, files[b.licence]),
		entry("NOTICES", 0o644, notices),
		entry(name, 0o755, files[program]),
		entry("etc/", 0o755, nil),
		entry("etc/group", 0o644, []byte("nonroot:x:65532:\n")),
		entry("etc/passwd", 0o644, []byte("nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")),
		entry("etc/ssl/", 0o755, nil),
		entry("etc/ssl/certs/", 0o755, nil),
		entry("etc/ssl/certs/ca-certificates.crt", 0o644, files[b.roots]),
		archive.Close(),
	} {
		if err != nil {
			return nil, err
		}
	}
	return content.Bytes(), nil
}
