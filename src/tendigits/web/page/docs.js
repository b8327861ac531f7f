// The API's documentation by Swagger UI, from files on this server.

globalThis.SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger", deepLinking: true, validatorUrl: null });
