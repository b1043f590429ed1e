package main

import (
	"bytes"
	"encoding/json"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// provenance is an in-toto statement with a predicate of SLSA: https://slsa.dev/spec/v1.0/provenance. It is not signed: the one of
// a release is made and signed by the platform that ran the build (.github/workflows/release.yml).
func (b build) provenance(digest v1.Hash) ([]byte, error) {
	architectures := []any{}
	for _, platform := range b.platforms {
		architectures = append(architectures, platform.arch)
	}
	parameters, err := structpb.NewStruct(map[string]any{"version": b.version, "architectures": architectures})
	if err != nil {
		return nil, err
	}
	source := &intoto.ResourceDescriptor{Name: "source", Uri: b.source}
	// What is not committed has no digest.
	if !strings.HasSuffix(b.commit, "-dirty") {
		source.Digest = map[string]string{"gitCommit": b.commit}
	}
	materials := []*intoto.ResourceDescriptor{source}
	for _, tool := range b.tools {
		version, err := structpb.NewStruct(map[string]any{"version": tool.version})
		if err != nil {
			return nil, err
		}
		materials = append(materials, &intoto.ResourceDescriptor{Name: tool.name, Annotations: version})
	}
	provenance := slsa.Provenance{
		BuildDefinition: &slsa.BuildDefinition{
			BuildType:            "https://empire.dev/build/image/v1",
			ExternalParameters:   parameters,
			ResolvedDependencies: materials,
		},
		RunDetails: &slsa.RunDetails{Builder: &slsa.Builder{Id: "https://empire.dev/build/local"}},
	}
	if err := provenance.Validate(); err != nil {
		return nil, err
	}
	predicate := &structpb.Struct{}
	if content, err := protojson.Marshal(&provenance); err != nil {
		return nil, err
	} else if err := protojson.Unmarshal(content, predicate); err != nil {
		return nil, err
	}
	statement := intoto.Statement{
		Type:          intoto.StatementTypeUri,
		Subject:       []*intoto.ResourceDescriptor{{Name: name, Digest: map[string]string{digest.Algorithm: digest.Hex}}},
		PredicateType: "https://slsa.dev/provenance/v1",
		Predicate:     predicate,
	}
	if err := statement.Validate(); err != nil {
		return nil, err
	}
	return stable(&statement)
}

// stable returns a message as JSON that is always the same, which protojson takes care not to.
func stable(message proto.Message) ([]byte, error) {
	content, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, content, "", "  "); err != nil {
		return nil, err
	}
	return append(indented.Bytes(), '\n'), nil
}
