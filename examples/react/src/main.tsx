import "@fontsource-variable/inter";
import { ApolloProvider } from "@apollo/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, Route, Routes } from "react-router";
import { CartPage } from "./CartPage";
import { CartProvider } from "./cart";
import { createClient } from "./client";
import { Layout } from "./Layout";
import { ListPage } from "./ListPage";
import { OrderPage } from "./OrderPage";
import { ProductPage } from "./ProductPage";
import { ShopProvider } from "./shops";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ApolloProvider client={createClient()}>
      <CartProvider>
        <ShopProvider>
          <BrowserRouter>
            <Routes>
              <Route element={<Layout />}>
                <Route index element={<ListPage />} />
                <Route path="products/:handle" element={<ProductPage />} />
                <Route path="cart" element={<CartPage />} />
                <Route path="order" element={<OrderPage />} />
                <Route path="*" element={<h1>This page does not exist.</h1>} />
              </Route>
            </Routes>
          </BrowserRouter>
        </ShopProvider>
      </CartProvider>
    </ApolloProvider>
  </StrictMode>,
);
