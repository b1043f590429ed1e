// Does to a folder of manifests what Flux's image automation does: writes the images of policies wherever a marker names
// them. The module of Flux's controller is not to be had from the module proxy; it reads and writes files, and finds and
// sets markers, by these packages of kustomize, in the last version that has the setters, of which Flux keeps a copy.
//
//	setters FOLDER NAMESPACE:POLICY=IMAGE...
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/fieldmeta"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/setters2"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return errors.New("usage: setters FOLDER NAMESPACE:POLICY=IMAGE...")
	}
	fieldmeta.SetShortHandRef("$imagepolicy")
	openapi.SuppressBuiltInSchemaUse()
	definitions := spec.Definitions{}
	for _, policy := range arguments[1:] {
		name, image, found := strings.Cut(policy, "=")
		colon := strings.LastIndex(image, ":")
		if !found || colon < 0 {
			return fmt.Errorf("%s: not NAMESPACE:POLICY=NAME:TAG", policy)
		}
		for suffix, value := range map[string]string{"": image, ":name": image[:colon], ":tag": image[colon+1:]} {
			schema := spec.StringProperty()
			schema.Extensions = map[string]any{}
			schema.Extensions.Add(setters2.K8sCliExtensionKey, map[string]any{
				"setter": map[string]string{"name": name + suffix, "value": value},
			})
			definitions[fieldmeta.SetterDefinitionPrefix+name+suffix] = *schema
		}
	}
	schema := &spec.Schema{SchemaProps: spec.SchemaProps{Definitions: definitions}}
	return kio.Pipeline{
		Inputs:  []kio.Reader{&kio.LocalPackageReader{PackagePath: arguments[0]}},
		Filters: []kio.Filter{setters2.SetAll(&setters2.Set{SetAll: true, SettersSchema: schema})},
		Outputs: []kio.Writer{kio.LocalPackageWriter{PackagePath: arguments[0]}},
	}.Execute()
}
