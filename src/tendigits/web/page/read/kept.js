// Documents that a person has checked, kept in this browser: a reload or a closed tab loses nothing.

const MAX_KEPT = 5; // documents, the latest ones

// Keep a document, {key, file, pages, number}, as it is now; `key` is when it was opened, and the file is stored once.
export async function keep({ key, file, pages, number }) {
  const isStored = (await inStore("files", "readonly", (files) => files.getKey(key))) !== undefined;
  if (!isStored) await inStore("files", "readwrite", (files) => files.put(file, key));
  await inStore("documents", "readwrite", (documents) => documents.put({ key, number, pages: new Map([...pages].map(([n, page]) => [n, plain(page)])) }, key));
  if (!isStored) for (const old of (await keptDocuments()).slice(MAX_KEPT)) await forget(old.key);
}

// What is kept of each document, the latest first.
export async function keptDocuments() {
  const documents = await inStore("documents", "readonly", (store) => store.getAll());
  const found = await Promise.all(documents.map(async (each) => ({ ...each, file: await inStore("files", "readonly", (files) => files.get(each.key)) })));
  return found.sort((a, b) => b.key - a.key);
}

export async function forget(key) {
  for (const name of ["documents", "files"]) await inStore(name, "readwrite", (store) => store.delete(key));
}

// A page without its picture, which is made anew from the file, and without elements and functions, which can't be stored.
function plain({ picture: _picture, form: _form, tables: _tables, table, ...page }) {
  return { ...page, table: table && { ...table, past: [] } };
}

// The result of one request to a store of the browser's database.
function inStore(name, mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("tendigits");
    const fail = ({ target }) => reject(new Error(`This browser keeps nothing: ${target.error.message}`));
    opening.onupgradeneeded = () => { for (const each of ["documents", "files"]) opening.result.createObjectStore(each); };
    opening.onerror = fail;
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(name, mode);
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => { resolve(request.result); opening.result.close(); };
      transaction.onabort = fail;
    };
  });
}
