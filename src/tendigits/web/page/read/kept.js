// Documents that a person has checked, kept in this browser: a reload or a closed tab loses nothing.

const MAX_KEPT = 5; // documents, the latest ones
const STORES = ["documents", "files"];

const withFile = new Set(); // keys of documents whose files are stored already
let opening = null; // the promise of the browser's database

// Keep a document, {key, files, places, current}, as it is now; `key` is when it was opened. The write is under way when this returns,
// so that it is done even if the page is closed at once.
export async function keep({ key, files: pictures, places, current }) {
  const isNew = !withFile.has(key);
  await inStores((documents, files) => {
    if (isNew) files.put(pictures, key);
    return documents.put({ key, current, places: places.map(({ file, number, read }) => ({ file, number, read: read && plain(read) })) }, key);
  });
  withFile.add(key);
  if (isNew) for (const old of (await keptDocuments()).slice(MAX_KEPT)) await forget(old.key);
}

// What is kept of each document, the latest first.
export async function keptDocuments() {
  const documents = (await inStores((store) => store.getAll(), "readonly")).filter(({ places }) => places); // older versions kept others
  const found = await Promise.all(documents.map(async (each) => ({ ...each, files: await inStores((_, files) => files.get(each.key), "readonly") })));
  for (const { key } of found) withFile.add(key);
  return found.sort((a, b) => b.key - a.key);
}

export function forget(key) {
  withFile.delete(key);
  return inStores((documents, files) => { documents.delete(key); return files.delete(key); });
}

// A page without its picture, which is made anew from the file, and without elements and functions, which can't be stored.
function plain({ picture: _picture, tables: _tables, grids, ...page }) {
  return { ...page, grids: grids.map((each) => ({ ...each, past: [] })) };
}

// The result of the request that `work` makes to both stores. It is taken when the browser delivers it: one of more than about 50 kB
// arrives late, after a transaction that was committed at once has ended.
async function inStores(work, mode = "readwrite") {
  opening ??= openDatabase();
  const database = await opening;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORES, mode);
    const request = work(...STORES.map((name) => transaction.objectStore(name)));
    let result;
    request.onsuccess = () => { result = request.result; };
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(new Error(`This browser keeps nothing: ${transaction.error?.message}`));
    if (mode === "readwrite") transaction.commit();
  });
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("tendigits");
    request.onupgradeneeded = () => { for (const name of STORES) request.result.createObjectStore(name); };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new Error(`This browser keeps nothing: ${request.error?.message}`));
  });
}
