// oci LAYOUT: fails unless the OCI layout in this folder is what the specification asks for, in each of its images.
package main

import (
	"bytes"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/opencontainers/image-spec/schema"
)

func main() {
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(folder string) error {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return err
	}
	// Digests, sizes, media types and the layers' contents.
	if err := validate.Index(index); err != nil {
		return err
	}
	if err := document(schema.ValidatorMediaTypeImageIndex, index.RawManifest); err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, each := range manifest.Manifests {
		if err := image(index, each.Digest); err != nil {
			return fmt.Errorf("%s: %w", each.Platform, err)
		}
	}
	return nil
}

func image(index v1.ImageIndex, digest v1.Hash) error {
	image, err := index.Image(digest)
	if err != nil {
		return err
	}
	if err := document(schema.ValidatorMediaTypeManifest, image.RawManifest); err != nil {
		return err
	}
	return document(schema.ValidatorMediaTypeImageConfig, image.RawConfigFile)
}

func document(schema schema.Validator, read func() ([]byte, error)) error {
	content, err := read()
	if err != nil {
		return err
	}
	return schema.Validate(bytes.NewReader(content))
}
