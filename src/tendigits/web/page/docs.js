// The API's documentation by Swagger UI, from files on this server.

const withoutLink = () => ({ wrapComponents: { InfoUrl: () => () => null } }); // to the file, which is for programs
globalThis.SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger", deepLinking: true, validatorUrl: null, plugins: [withoutLink] });
